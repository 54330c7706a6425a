import { type ReadonlySignal, useComputed } from "@preact/signals";
import type { Ladder as LadderData, Level } from "../../present/ladder.ts";
import type { LiveBook } from "../../state/live-book.ts";
import { t } from "../../words/i18n.ts";
import { LastPrice, Moving } from "./prices.tsx";

/** Levels a side; those that a book does not have stay empty, so that nothing jumps. */
const levels = Array.from({ length: 20 }, (_, n) => n);

/** Both sides of a book, best prices next to each other. Drawn once; then only texts and bars change. */
export function Ladder({ book, unit }: { book: LiveBook; unit: string }) {
  const mid = useComputed(() => book.ladder.value?.mid ?? "");
  const spread = useComputed(() => book.ladder.value?.spread ?? "–");
  return (
    <section class="panel ladder" data-part="book" aria-labelledby="ladder-title">
      <h2 id="ladder-title" class="unseen">
        {t("orderBook")}
      </h2>
      <Side name="bids" ladder={book.ladder} unit={unit} />
      <div class="midrow">
        <span class="mid">
          <Moving text={mid} />
        </span>
        <span class="r">
          <LastPrice trades={book.trades} /> <span class="soft">{t("lastShort")}</span>
          <br />
          <span class="soft">
            {t("spread")} {spread}
          </span>
        </span>
      </div>
      <Side name="asks" ladder={book.ladder} unit={unit} />
    </section>
  );
}

type SideProps = { name: "bids" | "asks"; ladder: ReadonlySignal<LadderData | null>; unit: string };

/** Total, quantity, price; mirrored for asks by the style, so that prices meet in the middle. */
function Side({ name, ladder, unit }: SideProps) {
  return (
    <table class={`side side-${name}`}>
      <caption class="unseen">{t(name)}</caption>
      <thead>
        <tr>
          <th scope="col" class="total">
            {t("total")}
          </th>
          <th scope="col" class="quantity">
            {t("quantity")}
            {unit !== "" && <span class="unit">, {unit}</span>}
          </th>
          <th scope="col" class="price">
            {t(name === "bids" ? "bid" : "ask")}
          </th>
        </tr>
      </thead>
      <tbody>
        {levels.map((n) => (
          <Row key={n} level={useComputed(() => ladder.value?.[name][n] ?? null)} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ level }: { level: ReadonlySignal<Level | null> }) {
  const of = (read: (level: Level) => string) => useComputed(() => (level.value === null ? "" : read(level.value)));
  const depth = useComputed(() => (level.value === null ? "0" : (level.value.depth * 100).toFixed(2)));
  return (
    <tr>
      <td class="total">{of(({ total }) => total)}</td>
      <td class="quantity" title={of(({ exact }) => exact)}>
        {of(({ quantity }) => quantity)}
        <span class="pad">{of(({ padding }) => padding)}</span>
      </td>
      <td class="price">
        {of(({ price }) => price)}
        <svg class="depth" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
          <rect width={depth} height="1" />
        </svg>
      </td>
    </tr>
  );
}
