import { number, rate } from "../../present/format.ts";
import { symbolSignal } from "../../state/state.ts";
import { t } from "../../words/i18n.ts";

/** The recorded streams of one symbol; nothing where there are none. */
export function SymbolStreams({ symbol }: { symbol: string }) {
  const streams = symbolSignal(symbol)?.value.streams ?? [];
  if (streams.length === 0) return null;
  return (
    <section class="panel streams" aria-labelledby="streams-title">
      <h2 id="streams-title">{t("streams")}</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("streams")}</th>
            <th scope="col">{t("rate")}</th>
            <th scope="col">{t("recordsOfSymbol")}</th>
            <th scope="col">{t("recordsInMemory")}</th>
          </tr>
        </thead>
        <tbody>
          {streams.map((stream) => (
            <tr key={stream.stream}>
              <th scope="row">{stream.stream}</th>
              <td>{`${rate(stream.messages_per_s)}${t("perSecond")}`}</td>
              <td>{number(stream.records)}</td>
              <td>{number(stream.buffered_records)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
