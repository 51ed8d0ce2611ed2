// The page's title: what is open, and the instance by the name it was given.
import { useEffect } from "react";
import { useSession } from "../api/queries";
import { t } from "../texts/t";

export function useTitle(open: string | null | undefined): void {
  const name = useSession().data?.instance.name || t("app.name");
  useEffect(() => {
    document.title = open ? `${open} · ${name}` : name;
  }, [open, name]);
}
