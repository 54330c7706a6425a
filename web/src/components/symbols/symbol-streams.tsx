import { type Instrument, shortDecimal } from "../../../../server/domain/symbols/instrument.ts";
import { api, ask, patience } from "../../api/api.ts";
import { useResource } from "../../api/resource.ts";
import { number, rate } from "../../present/format.ts";
import { symbolSignal } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";

/** How often the facts are read, ms. The recorder asks the exchange every ten minutes. */
const renewMs = 60_000;

/** The recorded streams of one symbol, and what the exchange states about it, in a quiet line. */
export function SymbolStreams({ symbol }: { symbol: string }) {
  const facts = useResource(symbol, renewMs, () => ask(api.api.instruments({ symbol }).get(patience())));
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
      <Facts instrument={facts.value.value?.instrument ?? null} />
    </p>
  );
}

/** Tick size, step size and an unusual status, with the exchange's own digits. */
function Facts({ instrument }: { instrument: Instrument | null }) {
  if (instrument === null) return null;
  const { tick_size, step_size, status } = instrument;
  return (
    <>
      {tick_size !== null && (
        <span>
          {t("tickSize")} <b>{shortDecimal(tick_size)}</b>
        </span>
      )}
      {step_size !== null && (
        <span>
          {t("stepSize")} <b>{shortDecimal(step_size)}</b>
        </span>
      )}
      {status !== "TRADING" && <span>{status}</span>}
    </>
  );
}
