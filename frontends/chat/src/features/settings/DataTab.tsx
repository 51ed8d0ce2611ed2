// A person's data: archived and deleted chats, taking all of it along, bringing chats from elsewhere, leaving.
import { ArrowLeft } from "lucide-react";
import { account } from "../../api/account";
import { queryClient } from "../../api/queryClient";
import { settingsAddress, useHash } from "../../stores/hash";
import { t, type TextId } from "../../texts/t";
import { DeleteAccount } from "./DeleteAccount";
import { ExportRow } from "./ExportRow";
import { FiledChats } from "./FiledChats";
import { ImportRow } from "./ImportRow";
import { AskRow, Row } from "./parts";

const PAGES: Record<string, TextId> = { archived: "settings.archived", trash: "settings.trash", leave: "settings.leave" };

/** The lists of chats everywhere in the app are other ones now. */
async function chatsChanged(work: Promise<unknown>): Promise<void> {
  await work;
  await queryClient.invalidateQueries();
}

export function DataTab() {
  const page = useHash().split("/")[2] ?? "";
  const title = PAGES[page];
  if (title) {
    return (
      <div className="sub-page">
        <a className="btn g sm back" href={settingsAddress("data")}><ArrowLeft className="i sm" />{t("settings.data")}</a>
        <h3>{t(title)}</h3>
        {page === "leave" ? <DeleteAccount /> : <FiledChats filter={page === "trash" ? "trash" : "archived"} />}
      </div>
    );
  }
  return (
    <>
      <Row label={t("settings.archived")} hint={t("settings.archivedHint")}><a className="btn sm" href={settingsAddress("data/archived")}>{t("settings.manage")}</a></Row>
      <Row label={t("settings.trash")} hint={t("settings.trashHint")}><a className="btn sm" href={settingsAddress("data/trash")}>{t("settings.manage")}</a></Row>
      <AskRow
        label={t("settings.archiveAll")}
        button={t("settings.archiveAllDo")}
        question={t("settings.archiveAllAsk")}
        text={t("settings.archiveAllText")}
        yes={t("settings.archiveAllDo")}
        done={t("settings.archiveAllDone")}
        work={() => chatsChanged(account.archiveAll())}
        data-testid="archive-all"
      />
      <AskRow
        label={t("settings.deleteAll")}
        button={t("settings.deleteAllDo")}
        question={t("settings.deleteAllAsk")}
        text={t("settings.deleteAllText")}
        yes={t("settings.deleteAllDo")}
        done={t("settings.deleteAllDone")}
        work={() => chatsChanged(account.deleteAll())}
        data-testid="delete-all"
      />
      <ExportRow />
      <ImportRow />
      <Row label={t("settings.leave")} hint={t("settings.leaveHint")}><a className="btn sm" href={settingsAddress("data/leave")} data-testid="leave">{t("settings.leaveDo")}</a></Row>
    </>
  );
}
