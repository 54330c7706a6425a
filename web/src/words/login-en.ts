/** The login page's texts in English. */
export const loginEn = {
  loginTitle: "Log in to RT-Data",
  password: "Password",
  showPassword: "Show",
  logIn: "Log in",
  loggingIn: "Checking…",
  logOut: "Log out",
  loginWrong: "The password is wrong.",
  loginTooMany: "Too many attempts.",
  loginBusy: "Others are logging in. Try again in a moment.",
  loginWait: "Try again in {n}\u00a0s",
};
