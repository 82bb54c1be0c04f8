import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The content security policy of the server allows neither inline scripts nor data in styles: nothing is inlined.
export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2021",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/metrics": "http://127.0.0.1:8080", "/livez": "http://127.0.0.1:8080" } },
});
