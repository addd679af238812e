import { Empty } from "../ui/basics";

export function Logs() {
  return <Empty title="Logs" />;
}
