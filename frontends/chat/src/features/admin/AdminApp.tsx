// The administration: its own frame, and of its pages those a person may use.
import type { Permission, StandingUser } from "@taifas/api-client/shapes";
import "@taifas/ui-components/dialogs.css";
import { IconButton } from "@taifas/ui-components/IconButton";
import { Logo, Mark } from "@taifas/ui-components/Logo";
import { Note } from "@taifas/ui-components/Note";
import "@taifas/ui-components/pages.css";
import { Tag } from "@taifas/ui-components/Tag";
import { Activity, ArrowLeft, Building2, ChartColumn, Cpu, Gauge, Lock, Mail, Menu as MenuIcon, PanelLeft, Plug, ShieldCheck, Users } from "lucide-react";
import { useEffect, type ComponentType } from "react";
import { Link, useLocation } from "wouter";
import { useStore } from "zustand";
import { closeDrawer, frame, toggleSidebar } from "../../stores/frame";
import { t, type TextId } from "../../texts/t";
import { HealthPage } from "./HealthPage";
import { InstancePage } from "./InstancePage";
import { InvitationsPage } from "./InvitationsPage";
import { LimitsPage } from "./LimitsPage";
import { ModelsPage } from "./ModelsPage";
import { PeoplePage } from "./PeoplePage";
import { ProvidersPage } from "./ProvidersPage";
import { RolesPage } from "./RolesPage";
import { UsagePage } from "./UsagePage";

interface Page {
  id: string;
  title: TextId;
  Icon: typeof Users;
  needs: Permission;
  Body: ComponentType<{ user: StandingUser }>;
}

const GROUPS: { title: TextId; pages: Page[] }[] = [
  {
    title: "admin.groupPeople",
    pages: [
      { id: "people", title: "admin.people", Icon: Users, needs: "people:manage", Body: PeoplePage },
      { id: "invitations", title: "admin.invitations", Icon: Mail, needs: "people:manage", Body: InvitationsPage },
      { id: "roles", title: "admin.roles", Icon: ShieldCheck, needs: "people:manage", Body: RolesPage },
    ],
  },
  {
    title: "admin.groupModels",
    pages: [
      { id: "providers", title: "admin.providers", Icon: Plug, needs: "providers:manage", Body: ProvidersPage },
      { id: "models", title: "admin.models", Icon: Cpu, needs: "providers:manage", Body: ModelsPage },
      { id: "usage", title: "admin.usage", Icon: ChartColumn, needs: "usage:manage", Body: UsagePage },
      { id: "limits", title: "admin.limits", Icon: Gauge, needs: "usage:manage", Body: LimitsPage },
    ],
  },
  {
    title: "admin.groupInstance",
    pages: [
      { id: "instance", title: "admin.instance", Icon: Building2, needs: "instance:manage", Body: InstancePage },
      { id: "health", title: "admin.health", Icon: Activity, needs: "instance:manage", Body: HealthPage },
    ],
  },
];

export function AdminApp({ user }: { user: StandingUser }) {
  const [path] = useLocation();
  const { drawer } = useStore(frame);
  const may = (page: Page): boolean => user.permissions.includes(page.needs);
  const groups = GROUPS.map((group) => ({ ...group, pages: group.pages.filter(may) })).filter((group) => group.pages.length > 0);
  const wanted = path.split("/")[2] ?? "";
  const page = wanted === "" ? groups[0]?.pages[0] : groups.flatMap((group) => group.pages).find((one) => one.id === wanted);
  const title = page ? t(page.title) : t("admin.title");

  useEffect(closeDrawer, [path]);
  useEffect(() => {
    document.title = `${title} · ${t("admin.title")}`;
  }, [title]);

  return (
    <div className="app adm" data-testid="admin">
      <nav className="side" aria-label={t("admin.title")}>
        <div className="side-top">
          <Link className="brand" href="/" aria-label={t("app.home")}><Logo /></Link>
          <Tag>{t("admin.tag")}</Tag>
          <IconButton label={t("sidebar.close")} data-testid="sidebar-toggle" onClick={toggleSidebar}><PanelLeft className="i" /></IconButton>
          <IconButton className="rail-open" label={t("sidebar.open")} onClick={toggleSidebar}><Mark /><PanelLeft className="i" /></IconButton>
        </div>
        <div className="side-list">
          {groups.map((group) => (
            <div key={group.title}>
              <h2 className="grp">{t(group.title)}</h2>
              {group.pages.map((one) => (
                <Link key={one.id} className={one === page ? "row on" : "row"} href={`/admin/${one.id}`} aria-current={one === page ? "page" : undefined} title={t(one.title)}>
                  <one.Icon className="i" /><span className="grow">{t(one.title)}</span>
                </Link>
              ))}
            </div>
          ))}
        </div>
        <div className="side-foot"><Link className="row" href="/" title={t("admin.back")}><ArrowLeft className="i" /><span className="grow">{t("admin.back")}</span></Link></div>
      </nav>
      {drawer && <div className="scrim" onClick={closeDrawer} />}
      <main className="main" key={page?.id}>
        <div className="head">
          <IconButton label={t("sidebar.open")} data-testid="drawer-open" onClick={toggleSidebar}><MenuIcon className="i lg" /></IconButton>
          <span aria-hidden="true">{t("admin.title")}</span>
        </div>
        <div className="wrap">
          {page ? <page.Body user={user} /> : <><div className="tools"><h1>{t("admin.title")}</h1></div><Note look="info" icon={<Lock className="i" />} title={t("admin.notYours")}>{t("admin.notYoursText")}</Note></>}
        </div>
      </main>
    </div>
  );
}
