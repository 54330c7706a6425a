import type { JSX } from "preact";
import type { NavigationPage } from "../../../../server/domain/pages.ts";

const paths: Readonly<Record<NavigationPage, string>> = {
  overview: "M3 16V9M8 16V4M13 16v-5M17 16V7",
  coverage: "M3 4h14v13H3zM3 8h14M7.5 2v3M12.5 2v3",
  archive: "M3 4h14v4H3zM4.5 8v8h11V8M8 11h4",
  history: "M3 14l4-5 3 3 6-8M3 17h14",
};

/** The icon of a page in the navigation of a phone. */
export function PageIcon({ page }: { page: NavigationPage }) {
  return (
    <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" aria-hidden="true">
      <path d={paths[page]} />
    </svg>
  );
}

/** The mark of RT-Data: two sides of a book. */
export function Brand() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <path class="asks" d="M1 3h11v3H1zM4 7.5h8V10H4z" />
      <path class="bids" d="M19 17H8v-3h11zM16 12.5H8V10h8z" />
    </svg>
  );
}

/** How serious the first sentence of the page is, as a shape: the colour alone does not say it. */
export type Tone = "good" | "warn" | "bad" | "ack" | "lost" | "wait";

const triangle = "M14 3.5L26 24.5H2z";
const marks: Readonly<Record<Tone, JSX.Element>> = {
  good: (
    <>
      <circle cx="14" cy="14" r="12" />
      <path d="M8.5 14.5l3.8 3.8 7.4-8" />
    </>
  ),
  warn: <path d={`${triangle}M14 11v6M14 19.5v2`} />,
  bad: <path d={`${triangle}M14 11v6M14 19.5v2`} />,
  ack: <path d={`${triangle}M9.5 17l3.2 3.2 5-5.4`} />,
  lost: (
    <>
      <circle cx="14" cy="14" r="12" stroke-dasharray="4.5 3.04" />
      <path d="M9.8 9.8l8.4 8.4M18.2 9.8l-8.4 8.4" />
    </>
  ),
  wait: <circle cx="14" cy="14" r="12" stroke-dasharray="18 57" class="turning" />,
};

/** The mark before the first sentence. */
export function ToneMark({ tone }: { tone: Tone }) {
  return (
    <svg class="mark" viewBox="0 0 28 28" fill="none" stroke="currentColor" stroke-width="2.5" aria-hidden="true">
      {marks[tone]}
    </svg>
  );
}
