import { number, rate } from "../../present/format.ts";
import { symbolSignal } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";

/** The recorded streams of one symbol in a quiet line. */
export function SymbolStreams({ symbol }: { symbol: string }) {
  const known = symbolSignal(symbol)?.value;
  if (known === undefined || known.streams.length === 0) return null;
  const records = known.streams.reduce((sum, stream) => sum + stream.records, 0);
  return (
    <p class="machine streams">
      {known.streams.map((stream) => (
        <span key={stream.stream}>
          {stream.stream}{" "}
          <b>
            {rate(stream.messages_per_s)}
            {t("perSecond")}
          </b>
        </span>
      ))}
      <span>
        {t("recordsOfSymbol")} <b>{number(records)}</b>
      </span>
      <span>
        {t("recordsInMemory")} <b>{number(known.buffered_records)}</b>
      </span>
    </p>
  );
}
