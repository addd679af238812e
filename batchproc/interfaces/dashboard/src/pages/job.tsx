import { Empty } from "../ui/basics";

export function Job({ id }: { id: string }) {
  return <Empty title={`Job ${id}`} />;
}
