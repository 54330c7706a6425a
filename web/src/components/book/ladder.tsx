import { type ReadonlySignal, useComputed } from "@preact/signals";
import { milliseconds, number, percent } from "../../present/format.ts";
import type { Ladder as LadderData, Level } from "../../present/ladder.ts";
import { bothZones, clock, zoneName } from "../../present/time.ts";
import type { LiveBook } from "../../state/live-book.ts";
import { t } from "../../words/i18n.ts";

/** Levels a side that are shown; those that a book does not have stay empty, so that nothing jumps. */
const levels = Array.from({ length: 20 }, (_, n) => n);

/** Both sides of a book, best prices next to each other. Drawn once; then only texts and bars change. */
export function Ladder({ book }: { book: LiveBook }) {
  return (
    <div class="ladder-box">
      <Facts book={book} />
      <div class="ladder">
        <Side name="bids" ladder={book.ladder} />
        <Side name="asks" ladder={book.ladder} />
      </div>
    </div>
  );
}

function Facts({ book }: { book: LiveBook }) {
  const of = (read: (ladder: LadderData) => string) =>
    useComputed(() => (book.ladder.value === null ? "–" : read(book.ladder.value)));
  const share = useComputed(() => book.ladder.value?.bidShare ?? null);
  const width = useComputed(() => String(Math.round((share.value ?? 0) * 100)));
  const received = useComputed(() => `${clock(book.recvUs.value)}.${String(Math.floor(book.recvUs.value / 1e5) % 10)}`);
  return (
    <dl class="midline">
      <Fact name="mid" label={t("mid")} value={of(({ mid }) => mid)} />
      <Fact
        name="spread"
        label={t("spread")}
        value={of(({ spread }) => spread)}
        detail={of(({ spreadBp }) => (spreadBp === null ? "" : t("basisPoints", { n: number(spreadBp, 2) })))}
      />
      <div data-fact="share">
        <dt>{t("imbalance")}</dt>
        <dd>
          {of(({ bidShare }) => (bidShare === null ? "–" : percent(bidShare)))}
          <svg class="balance" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect class="asks" width="100" height="4" />
            <rect class="bids" width={width} height="4" />
          </svg>
        </dd>
      </div>
      <Fact name="delay" label={t("bookDelay")} value={useComputed(() => milliseconds(book.delayMs.value))} />
      <Fact
        name="received"
        label={t("bookAge")}
        value={received}
        detail={useComputed(() => zoneName())}
        title={useComputed(() => bothZones(book.recvUs.value))}
      />
    </dl>
  );
}

type FactProps = {
  name: string;
  label: string;
  value: ReadonlySignal<string>;
  detail?: ReadonlySignal<string>;
  title?: ReadonlySignal<string>;
};

function Fact({ name, label, value, detail, title }: FactProps) {
  return (
    <div data-fact={name}>
      <dt>{label}</dt>
      <dd title={title}>
        <span>{value}</span> {detail !== undefined && <small>{detail}</small>}
      </dd>
    </div>
  );
}

function Side({ name, ladder }: { name: "bids" | "asks"; ladder: ReadonlySignal<LadderData | null> }) {
  return (
    <table class={`side-${name}`}>
      <caption>{t(name)}</caption>
      <thead>
        <tr>
          <th scope="col">{t("total")}</th>
          <th scope="col">{t("quantity")}</th>
          <th scope="col">{t("price")}</th>
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
      <td class="total">
        <svg class="depth" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
          <rect width={depth} height="1" />
        </svg>
        <span>{of(({ total }) => total)}</span>
      </td>
      <td class="quantity">{of(({ quantity }) => quantity)}</td>
      <td class="price">{of(({ price }) => price)}</td>
    </tr>
  );
}
