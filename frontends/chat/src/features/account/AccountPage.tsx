// The frame of the pages for people who are not signed in yet: brand, language, one column.
import { Logo, PageMark } from "@taifas/ui-components/Logo";
import { useEffect, type ReactNode } from "react";
import { t } from "../../texts/t";

interface Props {
  title: string;
  lead?: ReactNode;
  /** The choice of the language. */
  tools: ReactNode;
  children: ReactNode;
}

export function AccountPage({ title, lead, tools, children }: Props) {
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div className="page">
      <PageMark />
      <header><span className="brand"><Logo /></span>{tools}</header>
      <main className="card">
        <h1>{title}</h1>
        <p className="lead">{lead}</p>
        {children}
      </main>
      <footer>{t("page.foot")}</footer>
    </div>
  );
}
