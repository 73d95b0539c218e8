import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Addresses are relative to the <base> that control writes into the page, so any URL prefix will do.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false, reportCompressedSize: false },
});
