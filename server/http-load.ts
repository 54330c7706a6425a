/** Who is connected to the HTTP server at this moment. */
export type HttpLoad = {
  /** Sockets of the dashboard, and of live books. */
  readonly dashboards: number;
  readonly books: number;
  /** Sockets dropped since the start since they did not keep up. */
  readonly dropped: number;
  /** Requests that are being answered. */
  readonly pendingRequests: number;
};
