import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

/** `vite` in this folder serves the page with its API from a recorder on its default port. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [preact()],
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false }, reportCompressedSize: false },
  server: {
    proxy: {
      "/ws": { target: "ws://127.0.0.1:8000", ws: true },
      "/api": "http://127.0.0.1:8000",
      "/state": "http://127.0.0.1:8000",
    },
  },
});
