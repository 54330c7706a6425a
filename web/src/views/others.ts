/** The views besides the overview and the login: one file, loaded when one of them is shown or when the page has time. */
export { ArchiveView } from "./archive.tsx";
export { CoverageView } from "./coverage.tsx";
export { DayView } from "./day.tsx";
export { HistoryView } from "./history.tsx";
export { OrderBook } from "./orderbook.tsx";
