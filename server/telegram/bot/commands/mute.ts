import type { Mute } from "../../../domain/incidents/incident.ts";
import { fill, texts } from "../../../text/language.ts";
import { zoneName } from "../../../text/local-time.ts";
import { escapeHtml } from "../../api/html.ts";
import { type Ask, type BotCommand, type CommandAnswer, go, rows, shortTime } from "../command.ts";
import { muteName, readMute } from "../mute-target.ts";
import { muteLine } from "./alerts.ts";

const phrases = texts({
  en: {
    muteUsage:
      "For how long? /mute 2h mutes everything; /mute late data 8h, /mute BTCUSDT 1h a part; /mute all 2h is maintenance.",
    muteUnknown: "I do not understand “{word}”.",
    muteSpan: "From a minute to 30 days, please.",
    muted: "Muted until {time} {zone}: {what}",
    noMutes: "No mutes.",
    unmute: "🔔 Unmute: {what}",
    endMaintenance: "🔔 End maintenance",
    unmuted: "Alerts are on again ({n}).",
    unmuteWhich: "Which mute?",
  },
  ko: {
    muteUsage:
      "얼마 동안인가요? /mute 2h 는 모든 알림, /mute 데이터 지연 8h 와 /mute BTCUSDT 1h 는 일부, /mute 점검 2h 는 점검입니다.",
    muteUnknown: "알 수 없는 말입니다: “{word}”",
    muteSpan: "1분에서 30일 사이로 정하세요.",
    muted: "{time} {zone}까지 알림을 끕니다: {what}",
    noMutes: "꺼 둔 알림이 없습니다.",
    unmute: "🔔 {what} 알림 켜기",
    endMaintenance: "🔔 점검 끝내기",
    unmuted: "알림을 다시 켰습니다({n}건).",
    unmuteWhich: "어느 알림을 켤까요?",
  },
});

/** Shortest and longest mute, µs. */
const leastUs = 60_000_000;
const mostUs = 30 * 86_400_000_000;

/** `/mute [rule] [SYMBOL] TIME`, `/mute all TIME` (maintenance), `/mute #INCIDENT TIME` */
export const muteCommand: BotCommand = {
  name: "mute",
  about: { en: "pause alerts for a while", ko: "잠시 알림 끄기" },
  create:
    ({ incidents, status, nowUs }) =>
    (ask) => {
      const { words, language } = ask;
      const symbols = status().symbols.map(({ symbol }) => symbol);
      const { target, spanUs, unknown } = readMute(words, symbols, incidents.get);
      if (unknown !== null) {
        const what = fill(phrases[language].muteUnknown, { word: escapeHtml(unknown.slice(0, 40)) });
        return { html: `${what}\n${phrases[language].muteUsage}` };
      }
      if (spanUs === null)
        return usage(
          incidents.mutes().map((mute) => muteLine(mute, ask)),
          words,
          ask,
        );
      if (spanUs < leastUs || spanUs > mostUs)
        return { html: `${phrases[language].muteSpan}\n${phrases[language].muteUsage}` };
      const mute = incidents.mute(target, nowUs() + spanUs, ask.who);
      const what = escapeHtml(muteName(mute, ask));
      const html = `🔕 ${fill(phrases[language].muted, { time: shortTime(mute.until_us, ask), zone: zoneName(mute.until_us, ask.timeZone), what })}`;
      return {
        html,
        buttons: rows(go(unmuteLabel(mute, ask), `unmute ${mute.id}`), go("/alerts", "alerts")),
      };
    },
};

/** `/unmute [ID or all]` */
export const unmuteCommand: BotCommand = {
  name: "unmute",
  about: { en: "resume alerts", ko: "알림 다시 켜기" },
  create:
    ({ incidents }) =>
    (ask) => {
      const { say, words, language } = ask;
      const mutes = incidents.mutes();
      if (mutes.length === 0) return { html: phrases[language].noMutes };
      const word = words[0] ?? (mutes.length === 1 ? String(mutes[0]?.id) : "");
      const isAll = /^(all|전부)$/i.test(word);
      if (isAll || mutes.some(({ id }) => String(id) === word)) {
        const n = incidents.unmute(isAll ? null : Number(word));
        return { html: `🔔 ${fill(phrases[language].unmuted, { n })}`, buttons: rows(go("/alerts", "alerts")) };
      }
      const each = mutes.slice(0, 6).map((mute) => go(unmuteLabel(mute, ask), `unmute ${mute.id}`));
      const html = [
        phrases[language].unmuteWhich,
        ...mutes.slice(0, 6).map((mute) => `🔕 ${muteLine(mute, ask)}`),
      ].join("\n");
      return { html, buttons: rows(...each, go(say.unmuteAll, "unmute all")) };
    },
};

/** Says what the button does: the target's alerts come back. */
function unmuteLabel(mute: Mute, ask: Ask): string {
  const { unmute, endMaintenance } = phrases[ask.language];
  return mute.kind === "maintenance" ? endMaintenance : fill(unmute, { what: muteName(mute, ask) });
}

/** Lists the mutes and offers buttons for the target that the words name. */
function usage(muted: readonly string[], words: readonly string[], { say, language }: Ask): CommandAnswer {
  const target = words.length === 0 ? "" : `${words.join(" ")} `;
  const html = [...muted.map((line) => `🔕 ${line}`), phrases[language].muteUsage].join("\n");
  return { html, buttons: rows([...go(say.mute1h, `mute ${target}1h`), ...go(say.mute8h, `mute ${target}8h`)]) };
}
