import type { Incidents } from "../../domain/incidents/incident.ts";
import { onlySymbol } from "../../domain/incidents/only-symbol.ts";
import { fill } from "../../text/language.ts";
import { timeOfDay, zoneName } from "../../text/local-time.ts";
import { incidentTexts, type Speech } from "../text/incident-phrases.ts";
import { muteName } from "./mute-target.ts";
import { sharedWords } from "./shared-words.ts";

/** Handles the buttons under incident messages. */
export type IncidentButtons = {
  /**
   * Handles a press and returns the short answer ("Muted until 04:20"); null if `data` belongs to no incident button. The message
   * itself is updated by `refresh`.
   */
  press(data: string, by: string): string | null;
};

/** Data of a button: `ack:<id>`, `unack:<id>`, or `mute:<id>:<minutes>` with an offered time. */
const pattern = /^(?:(ack|unack):(\d{1,15})|mute:(\d{1,15}):(60|480))$/;

/** Creates the buttons Acknowledge, Take back, Mute 1 h and Mute 8 h. A mute covers the rule, narrowed to the symbol if there is only one. */
export function createIncidentButtons(
  options: Pick<Speech, "language" | "timeZone">,
  deps: {
    readonly incidents: Pick<Incidents, "get" | "acknowledge" | "mute">;
    readonly refresh: (incident: number) => void;
    readonly nowUs: () => number;
  },
): IncidentButtons {
  const { incidents, refresh, nowUs } = deps;
  const words = incidentTexts(options.language);
  return {
    press(data, by) {
      const [, verb, acknowledged, muted, minutes] = pattern.exec(data) ?? [];
      const id = Number(acknowledged ?? muted);
      if (!Number.isSafeInteger(id)) return null;
      const incident = incidents.get(id);
      if (incident === null || incident.to_us !== null) return words.pressedOver;
      if (verb !== undefined) {
        const isWanted = verb === "ack";
        // A second press needs no record: the incident already is as it should be.
        if ((incident.acknowledged !== null) !== isWanted) incidents.acknowledge(id, isWanted ? by : null);
        refresh(id);
        return isWanted ? words.pressedAcknowledge : words.pressedTakeBack;
      }
      const untilUs = nowUs() + Number(minutes) * 60_000_000;
      const target = { rule: incident.rule, symbol: onlySymbol(incident), kind: "mute" } as const;
      const { until_us } = incidents.mute(target, untilUs, by);
      refresh(id);
      const { language, timeZone } = options;
      const time = timeOfDay(until_us, nowUs(), language, timeZone);
      const what = muteName(target, { language, say: sharedWords[language] });
      return fill(words.pressedMute, { time, zone: zoneName(until_us, timeZone), what });
    },
  };
}
