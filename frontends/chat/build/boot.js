// Runs before the app's code is here, inlined by shell.ts (at most 2 KB): picks the frame, asks for the first data,
// and makes the static text field usable. Sends nothing and stores nothing.
(() => {
  const root = document.documentElement;
  const path = location.pathname;
  const chat = /^\/c\/([0-9a-f-]{36})/i.exec(path);
  const admin = /^\/admin(?:\/|$)/.test(path);
  if (admin) root.dataset.place = "admin";
  if (/^\/(?:join|reset)$/.test(path)) root.dataset.session = "out";
  const accent = /(?:^|; )accent=(\w+)/.exec(document.cookie);
  if (accent) root.dataset.accent = accent[1];
  const signedIn = root.dataset.session === "in" && !admin;
  const early = (window.__early = {});
  const ask = (url) => {
    early[url] = fetch(url, { headers: { "X-CSRF": "1" } });
    early[url].catch(() => {});
  };
  ask("/api/v1/session");
  if (signedIn) {
    ask("/api/v1/chats?limit=28");
    ask("/api/v1/chats?limit=28&filter=pinned");
    ask("/api/v1/projects");
    ask("/api/v1/models");
    if (chat) {
      ask(`/api/v1/chats/${chat[1].toLowerCase()}`);
      const chunk = "__THREAD_CHUNK__";
      if (chunk) document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: chunk }));
    }
  }
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  if (innerWidth < 1024 || stored("taifas.frame") === "rail") root.dataset.frame = "rail";
  if (chat) document.querySelector(".main").classList.remove("empty");
  const field = document.querySelector("textarea");
  if (!signedIn) return;
  try {
    field.value = JSON.parse(stored("taifas.drafts"))[chat ? chat[1].toLowerCase() : "new"] || "";
  } catch {
    // No draft.
  }
  field.addEventListener("compositionstart", () => { window.__composing = true; });
  field.addEventListener("compositionend", () => { window.__composing = false; });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (field.value.trim()) window.__send = true;
  });
  if (matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true });
})();
