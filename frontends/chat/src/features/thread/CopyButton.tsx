// Copies a message's exact source; shows a tick for two seconds.
import { copyText } from "@taifas/ui-components/copyText";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { showToast } from "../../stores/toasts";
import { t } from "../../texts/t";

const TICK_MS = 2_000;

export function CopyButton({ text }: { text: () => string }) {
  const [copied, setCopied] = useState(0);
  useEffect(() => {
    if (copied === 0) return;
    const timer = setTimeout(() => setCopied(0), TICK_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    if (await copyText(text())) setCopied((times) => times + 1);
    else showToast(t("message.copyFailed"));
  };
  return (
    <IconButton
      size="sm"
      className={copied > 0 ? "done" : ""}
      label={t(copied > 0 ? "message.copied" : "message.copy")}
      data-testid="copy"
      onClick={() => void copy()}
    >
      {copied > 0 ? <Check className="i" /> : <Copy className="i" />}
    </IconButton>
  );
}
