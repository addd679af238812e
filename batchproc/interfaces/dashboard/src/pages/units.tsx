import { Empty } from "../ui/basics";

export function Units({ id }: { id: string }) {
  return <Empty title={`Units ${id}`} />;
}
