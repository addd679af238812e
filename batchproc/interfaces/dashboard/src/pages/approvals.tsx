import { Empty } from "../ui/basics";

export function Approvals() {
  return <Empty title="Approvals" />;
}
