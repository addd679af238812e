// All dialogs of a job, fetched together when the first is asked for: see `ask`.
export { askExport } from "./export";
export { askCancel, askDelete, askPause, askResume, askStart } from "./orders";
export { askRetry } from "./retry";
export { askSet } from "./settings";
export { askSource } from "./source";
