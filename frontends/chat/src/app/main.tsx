// Entry: takes over from the static page, with the words already typed into it, and mounts the app.
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "../api/queryClient";
import { startTexts } from "../texts/locale";
import "./app.css";
import { adoptTyping } from "./adoptTyping";
import { Speaking } from "./App";
import { Gone, Mishap } from "./Mishap";
import { preloadThread } from "./threadView";
import { exposeTestHook } from "./testHook";

declare global {
  interface Window {
    /** Set by the inline script while an input method is composing in the static text field. */
    __composing?: boolean;
  }
}

async function mount(): Promise<void> {
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no root");
  preloadThread();
  await startTexts();
  if (window.__composing) {
    // Replacing the field now would tear a half-composed word.
    await new Promise((resolve) => root.addEventListener("compositionend", resolve, { once: true }));
  }
  adoptTyping();
  exposeTestHook();
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <Mishap><Speaking /></Mishap>
        <Gone />
      </QueryClientProvider>
    </StrictMode>,
  );
}

void mount();
