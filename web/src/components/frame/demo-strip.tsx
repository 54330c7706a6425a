import { useSignal } from "@preact/signals";
import type { DemoState, DemoStep } from "../../../../server/domain/demo.ts";
import { api, ask, patience } from "../../api/api.ts";
import { useResource } from "../../api/resource.ts";
import { percent } from "../../present/format.ts";
import { status } from "../../state/state.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";
import { Menu } from "./menu.tsx";

const renewMs = 2000;
const key = "rt-data.demo-strip";
const stepWords: Readonly<Record<DemoStep, keyof Words>> = {
  list: "demoList",
  verify: "demoVerify",
  query: "demoQuery",
  record: "demoRecord",
};

/** Says that this is a demo and what to try in it; gone for the session once it is closed. */
export function DemoStrip() {
  const isClosed = useSignal(sessionStorage.getItem(key) !== null);
  const demo = useResource("demo", renewMs, () => ask<DemoState>(api.api.demo.get(patience())));
  const state = demo.value.value;
  if (isClosed.value) return null;
  // A place of the final size, so that nothing moves when the answer comes.
  if (state === null) return <div class="demo" />;
  return (
    <section class="demo" aria-label={t("demo")}>
      <p>
        <b>{t("demoIs")}</b> {t("demoData", { folder: state.data_dir })}
        {state.past < 1 && <span class="soft"> {t("demoPast", { percent: percent(state.past) })}</span>}
      </p>
      <div class="demo-acts">
        <Cut state={state} onCut={demo.renew} />
        {state.next.length > 0 && (
          <Menu label={`${t("demoNext")} ▾`}>
            {state.next.map(({ what, command }) => (
              <Command key={what} name={t(stepWords[what])} command={command} />
            ))}
          </Menu>
        )}
        <button
          type="button"
          class="btn plain"
          aria-label={t("close")}
          onClick={() => {
            isClosed.value = true;
            sessionStorage.setItem(key, "closed");
          }}
        >
          ✕
        </button>
      </div>
    </section>
  );
}

/** Cuts the connection; while it is cut, counts down until it comes back. */
function Cut({ state, onCut }: { state: DemoState; onCut: () => void }) {
  const nowUs = status.value?.now_us ?? 0;
  const until = state.cut_until_us;
  const seconds = until === null ? 0 : Math.ceil((until - nowUs) / 1e6);
  const cut = async () => {
    await ask(api.api.demo.cut.post(null, patience()));
    onCut();
  };
  return (
    <button type="button" class="btn main" disabled={seconds > 0} onClick={() => void cut()}>
      {seconds > 0 ? t("demoBack", { n: seconds }) : t("demoCut")}
    </button>
  );
}

function Command({ name, command }: { name: string; command: string }) {
  return (
    <button
      type="button"
      class="btn command"
      onClick={() => void navigator.clipboard?.writeText(command).catch(() => {})}
    >
      <span>{name}</span>
      <code>{command}</code>
    </button>
  );
}
