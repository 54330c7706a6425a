import { escapeHtml } from "../../api/html.ts";
import { muteName, readMute } from "../mute-target.ts";
import { muteLine } from "./alerts.ts";
import { type Ask, type BotCommand, type CommandAnswer, fill, go, rows, type Sources, shortTime } from "./command.ts";

/** Shortest and longest mute, µs. */
const leastUs = 60_000_000;
const mostUs = 30 * 86_400_000_000;

/** `/mute [rule] [SYMBOL] TIME`, `/mute all TIME` (maintenance), `/mute #INCIDENT TIME` */
export function muteCommand({ incidents, status, nowUs }: Sources): BotCommand {
  return {
    name: "mute",
    run(ask) {
      const { say, words } = ask;
      const symbols = status().symbols.map(({ symbol }) => symbol);
      const { target, spanUs, unknown } = readMute(words, symbols, incidents.get);
      if (unknown !== null) {
        const what = fill(say.muteUnknown, { word: escapeHtml(unknown.slice(0, 40)) });
        return { html: `${what}\n${say.muteUsage}` };
      }
      if (spanUs === null)
        return usage(
          incidents.mutes().map((mute) => muteLine(mute, ask)),
          words,
          ask,
        );
      if (spanUs < leastUs || spanUs > mostUs) return { html: `${say.muteSpan}\n${say.muteUsage}` };
      const mute = incidents.mute(target, nowUs() + spanUs, ask.who);
      const what = escapeHtml(muteName(mute, ask));
      const html = `🔕 ${fill(say.muted, { time: shortTime(mute.until_us, ask), what })}`;
      return {
        html,
        buttons: rows(
          go(fill(say.unmute, { what: muteName(mute, ask) }), `unmute ${mute.id}`),
          go("/alerts", "alerts"),
        ),
      };
    },
  };
}

/** `/unmute [ID or all]` */
export function unmuteCommand({ incidents }: Sources): BotCommand {
  return {
    name: "unmute",
    run(ask) {
      const { say, words } = ask;
      const mutes = incidents.mutes();
      if (mutes.length === 0) return { html: say.noMutes };
      const word = words[0] ?? (mutes.length === 1 ? String(mutes[0]?.id) : "");
      const isAll = /^(all|전부)$/i.test(word);
      if (isAll || mutes.some(({ id }) => String(id) === word)) {
        const n = incidents.unmute(isAll ? null : Number(word));
        return { html: `🔔 ${fill(say.unmuted, { n })}`, buttons: rows(go("/alerts", "alerts")) };
      }
      const each = mutes
        .slice(0, 6)
        .map((mute) => go(fill(say.unmute, { what: muteName(mute, ask) }), `unmute ${mute.id}`));
      const html = [say.unmuteWhich, ...mutes.slice(0, 6).map((mute) => `🔕 ${muteLine(mute, ask)}`)].join("\n");
      return { html, buttons: rows(...each, go(say.unmuteAll, "unmute all")) };
    },
  };
}

/** What is muted, and buttons for what the words name. */
function usage(muted: readonly string[], words: readonly string[], { say }: Ask): CommandAnswer {
  const of = words.length === 0 ? "" : `${words.join(" ")} `;
  const html = [...muted.map((line) => `🔕 ${line}`), say.muteUsage].join("\n");
  return { html, buttons: rows([...go(say.mute1h, `mute ${of}1h`), ...go(say.mute8h, `mute ${of}8h`)]) };
}
