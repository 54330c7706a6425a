import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { checkSession, enter, type LoginAnswer, logIn } from "../api/session.ts";
import { t } from "../words/i18n.ts";

type Refusal = Exclude<LoginAnswer, { kind: "in" }>;

const sentences = {
  wrong_password: "loginWrong",
  too_many_attempts: "loginTooMany",
  login_busy: "loginBusy",
  offline: "failed",
} as const;

/** Asks for the password. After too many wrong passwords it shows the time to wait. */
export function LoginView() {
  const isShown = useSignal(false);
  const isSending = useSignal(false);
  const refusal = useSignal<Refusal | null>(null);
  const wait = useSignal(0);
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    field.current?.focus();
    void checkSession();
  }, []);
  useEffect(() => {
    if (wait.value === 0) return;
    const timer = setTimeout(() => {
      wait.value--;
    }, 1000);
    return () => clearTimeout(timer);
  }, [wait.value]);

  async function send(event: Event): Promise<void> {
    event.preventDefault();
    if (isSending.value || wait.value > 0) return;
    const typed = field.current?.value ?? "";
    if (typed === "") return field.current?.focus();
    isSending.value = true;
    // Emptied, so that the same sentence is read out again.
    refusal.value = null;
    const answer = await logIn(typed);
    if (answer.kind === "in") return enter();
    isSending.value = false;
    refusal.value = answer;
    wait.value = answer.waitSeconds;
    field.current?.select();
  }

  function show(): void {
    isShown.value = !isShown.value;
    if (field.current !== null) field.current.type = isShown.value ? "text" : "password";
  }

  return (
    <section class="panel login" aria-labelledby="login-title">
      <h1 id="login-title">{t("loginTitle")}</h1>
      <form onSubmit={send}>
        <input
          class="unseen"
          name="username"
          autocomplete="username"
          value="rt-data"
          tabIndex={-1}
          aria-hidden="true"
          readOnly
        />
        <label for="password">{t("password")}</label>
        <div class="field">
          <input
            ref={field}
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            autocapitalize="none"
            spellcheck={false}
            maxLength={256}
            required
            aria-invalid={refusal.value?.kind === "wrong_password"}
            aria-describedby="login-said"
          />
          <button type="button" class="btn" aria-pressed={isShown.value} onClick={show}>
            {t("showPassword")}
          </button>
        </div>
        <p id="login-said" class="refusal" role="alert">
          {refusal.value === null ? "" : t(sentences[refusal.value.kind])}
        </p>
        <button type="submit" class="btn main enter" disabled={isSending.value || wait.value > 0}>
          {wait.value > 0 ? t("loginWait", { n: wait.value }) : t(isSending.value ? "loggingIn" : "logIn")}
        </button>
      </form>
    </section>
  );
}
