import { Empty } from "../ui/basics";

export function Query({ id }: { id: string }) {
  return <Empty title={`Query ${id}`} />;
}
