import type { ReadonlySignal } from "@preact/signals";
import { reasonOf } from "../../present/reason.ts";

type Texts = Readonly<Record<"state" | "name" | "since" | "detail" | "problem", ReadonlySignal<string>>>;

/** A row about something outside the recorder that it talks to. `state` "open" is well; `problem` is in the recorder's own words. */
export function Tie({ texts: { state, name, since, detail, problem }, service }: { texts: Texts; service?: string }) {
  const reason = reasonOf(problem.value);
  return (
    <li class="tie" data-state={state} data-service={service}>
      <span class="lamp" aria-hidden="true" />
      <span class="grow host">{name}</span>
      <span class="since">{since}</span>
      <span class="detail">{detail}</span>
      {problem.value !== "" && (
        <span class="error" lang={reason.lang}>
          {reason.text}
        </span>
      )}
    </li>
  );
}
