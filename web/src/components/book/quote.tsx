import { type ReadonlySignal, useComputed } from "@preact/signals";
import { milliseconds, number, percent } from "../../present/format.ts";
import type { Ladder } from "../../present/ladder.ts";
import { bothZones, clock, zoneName } from "../../present/time.ts";
import type { LiveBook } from "../../state/live-book.ts";
import { t } from "../../words/i18n.ts";
import { LastPrice, Moving } from "./prices.tsx";

/** The mid price, and what else a book says in a figure. */
export function Quote({ book, unit }: { book: LiveBook; unit: string }) {
  const of = (read: (ladder: Ladder) => string) =>
    useComputed(() => (book.ladder.value === null ? "–" : read(book.ladder.value)));
  const share = useComputed(() => String(Math.round((book.ladder.value?.bidShare ?? 0) * 100)));
  const delay = useComputed(() => milliseconds(book.delayMs.value));
  const received = useComputed(() =>
    book.recvUs.value === 0 ? "–" : `${clock(book.recvUs.value)}.${Math.floor(book.recvUs.value / 1e5) % 10}`,
  );
  return (
    <div class="quote">
      <p class="px" data-fact="mid">
        <span class="mid-price">
          <Moving text={of(({ mid }) => mid)} />
        </span>{" "}
        <span class="soft">{unit === "" ? t("mid") : t("midIn", { unit })}</span>
        <span class="soft narrow-only when">{useComputed(() => t("delayShort", { delay: delay.value }))}</span>
      </p>
      <dl>
        <div data-fact="last">
          <dt>{t("lastPrice")}</dt>
          <dd>
            <LastPrice trades={book.trades} />
          </dd>
        </div>
        <Fact name="spread" label={t("spread")} value={of(({ spread }) => spread)}>
          {of(({ spreadBp }) =>
            spreadBp === null ? "" : t("basisPoints", { n: number(spreadBp, spreadBp < 0.1 ? 3 : 2) }),
          )}
        </Fact>
        <div data-fact="share">
          <dt>{t("imbalance")}</dt>
          <dd>
            {of(({ bidShare }) => (bidShare === null ? "–" : percent(bidShare)))}
            <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect class="asks" width="100" height="4" />
              <rect class="bids" width={share} height="4" />
            </svg>
          </dd>
        </div>
        <Fact name="delay" label={t("bookDelay")} value={delay} />
        <Fact
          name="received"
          label={t("bookAge", { zone: zoneName() })}
          value={received}
          title={useComputed(() => bothZones(book.recvUs.value))}
        />
      </dl>
    </div>
  );
}

type FactProps = {
  name: string;
  label: string;
  value: ReadonlySignal<string>;
  title?: ReadonlySignal<string>;
  children?: ReadonlySignal<string>;
};

function Fact({ name, label, value, title, children }: FactProps) {
  return (
    <div data-fact={name}>
      <dt>{label}</dt>
      <dd title={title}>
        {value} {children !== undefined && <small>{children}</small>}
      </dd>
    </div>
  );
}
