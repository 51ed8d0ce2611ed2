// The archive or the trash beside the sidebar.
import "@taifas/ui-components/dialogs.css";
import { useStore } from "zustand";
import { ConnectionBar } from "../features/connection/ConnectionBar";
import { ShelfPage } from "../features/shelves/ShelfPage";
import { outbox } from "../stores/outbox";
import { t } from "../texts/t";
import { PlainHeader } from "./PlainHeader";
import { useTitle } from "./useTitle";

export function ShelfScreen({ shelf }: { shelf: "archived" | "trash" }) {
  const { items } = useStore(outbox);
  useTitle(t(shelf === "trash" ? "sidebar.trash" : "sidebar.archive"));
  return (
    <main className="main">
      <ConnectionBar waiting={items.filter((item) => item.state !== "next").length} />
      <PlainHeader />
      <ShelfPage key={shelf} shelf={shelf} />
    </main>
  );
}
