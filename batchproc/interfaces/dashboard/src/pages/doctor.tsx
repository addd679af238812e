import { Empty } from "../ui/basics";

export function Doctor() {
  return <Empty title="Doctor" />;
}
