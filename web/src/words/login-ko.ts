import type { loginEn } from "./login-en.ts";

/** The login page's texts in Korean. */
export const loginKo: Record<keyof typeof loginEn, string> = {
  loginTitle: "RT-Data 로그인",
  password: "비밀번호",
  showPassword: "표시",
  logIn: "로그인",
  loggingIn: "확인하는 중…",
  logOut: "로그아웃",
  loginWrong: "비밀번호가 맞지 않습니다.",
  loginTooMany: "로그인 시도가 너무 많습니다.",
  loginBusy: "다른 로그인을 처리하고 있습니다. 잠시 후 다시 시도하세요.",
  loginWait: "{n}초 후 다시 시도하세요",
};
