// Build of the chat app: static shell, hashed assets, no inlined data, no source maps in the product.
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { shell } from "./build/shell.ts";

/** Where `npm run dev` finds the server. */
const SERVER = process.env["TAIFAS_SERVER"] ?? "http://127.0.0.1:8420";

export default defineConfig({
  plugins: [react(), tailwindcss(), shell()],
  server: { proxy: { "/api": SERVER, "/healthz": SERVER } },
  build: {
    target: ["chrome111", "firefox114", "safari16.4"],
    manifest: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // One file for all that the first paint waits for: many small ones would be asked for one after another.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "app", tags: ["$initial"] }] } } },
  },
});
