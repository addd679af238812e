import { Empty } from "../ui/basics";

export function Unit({ id, unit }: { id: string; unit: string }) {
  return <Empty title={`${id} ${unit}`} />;
}
