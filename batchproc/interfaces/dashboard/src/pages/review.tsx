import { Empty } from "../ui/basics";

export function Review({ id }: { id: string }) {
  return <Empty title={`Review ${id}`} />;
}
