/** The views besides the overview: one file, loaded when one of them is shown or when the page has time. */
export { ArchiveView } from "./archive.tsx";
export { CoverageView } from "./coverage.tsx";
export { DayView } from "./day.tsx";
export { HistoryView } from "./history.tsx";
export { LoginView } from "./login.tsx";
export { OrderBook } from "./orderbook.tsx";
