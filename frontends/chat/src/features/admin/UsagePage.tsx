// What everybody used: figures, a chart, the same as a table, and as a file.
import type { UsageRow } from "@taifas/api-client/shapes";
import { Bars } from "@taifas/ui-components/Bars";
import { Choice } from "@taifas/ui-components/Choice";
import { Table } from "@taifas/ui-components/Table";
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { admin, adminKeys } from "../../api/admin";
import { cost, dayLabel, daysAgo, number, short } from "../../texts/format";
import { t } from "../../texts/t";
import { Head, Loaded } from "./parts";

const SPANS = ["7", "30", "365"] as const;
const WAYS = ["day", "model", "person"] as const;
type Way = (typeof WAYS)[number];

export function UsagePage() {
  const [span, setSpan] = useState<(typeof SPANS)[number]>("30");
  const [by, setBy] = useState<Way>("model");
  const from = daysAgo(Number(span) - 1);
  const to = daysAgo(0);
  const perDay = useQuery({ queryKey: adminKeys.usage(from, to, "day"), queryFn: () => admin.usage(from, to, "day") });
  const table = useQuery({ queryKey: adminKeys.usage(from, to, by), queryFn: () => admin.usage(from, to, by) });
  const address = `/api/v1/admin/usage?from=${from}&to=${to}&by=${by}&format=csv`;
  return (
    <>
      <Head title={t("admin.usage")}>
        <Choice label={t("usage.span")} value={span} onChange={setSpan} options={SPANS.map((value) => ({ value, label: value === "365" ? t("usage.year") : t("admin.days", { count: Number(value) }) }))} />
        <a className="btn" href={address} download data-testid="csv"><Download className="i sm" />CSV</a>
      </Head>
      <Loaded query={perDay}>
        {({ totals, active_people: people, rows }) => (
          <>
            <div className="kpis" data-testid="figures">
              <div className="kpi">{t("usage.people")}<b>{number(people)}</b></div>
              <div className="kpi">{t("usage.answers")}<b>{number(totals.requests)}</b></div>
              <div className="kpi">{t("usage.tokens")}<b>{short(totals.input_tokens + totals.output_tokens)}</b><small>{t("usage.inOut", { in: short(totals.input_tokens), out: short(totals.output_tokens) })}</small></div>
              <div className="kpi">{t("usage.cost")}<b>{cost(totals.cost)}</b></div>
            </div>
            <div className="panel">
              <h2>{t("usage.perDay")}</h2>
              <Bars label={t("usage.perDay")} bars={bars(rows, Number(span))} format={short} />
            </div>
          </>
        )}
      </Loaded>
      <div className="panel">
        <div className="ph">
          <h2>{t("usage.table")}</h2>
          <Choice label={t("usage.by")} value={by} onChange={setBy} options={WAYS.map((value) => ({ value, label: t(`usageBy.${value}`) }))} />
        </div>
        <Loaded query={table}>
          {({ rows }) => rows.length === 0
            ? <p className="empty-line">{t("usage.none")}</p>
            : (
              <Table
                label={t("usage.table")}
                columns={[
                  { key: "by", head: t(`usageBy.${by}`) }, { key: "r", head: t("usage.answers"), figures: true }, { key: "i", head: t("usage.tokensIn"), figures: true },
                  { key: "o", head: t("usage.tokensOut"), figures: true }, { key: "c", head: t("usage.cost"), figures: true },
                ]}
              >
                {rows.map((row, index) => (
                  <tr key={row.person?.id ?? row.model ?? row.day ?? index}>
                    <td><b>{nameOf(row)}</b></td>
                    <td className="num">{number(row.requests)}</td>
                    <td className="num">{number(row.input_tokens)}</td>
                    <td className="num">{number(row.output_tokens)}</td>
                    <td className="num">{cost(row.cost)}</td>
                  </tr>
                ))}
              </Table>
            )}
        </Loaded>
      </div>
    </>
  );
}

function nameOf(row: UsageRow): string {
  if (row.person) return row.person.name || t("usage.gone");
  if (row.model) return row.model;
  return row.day ? dayLabel(row.day) : "–";
}

/** One column a day; of a year, one a month. */
function bars(rows: UsageRow[], days: number) {
  const sums = new Map<string, number>();
  const keyOf = (day: string): string => (days > 31 ? day.slice(0, 7) : day);
  for (let back = days - 1; back >= 0; back -= 1) sums.set(keyOf(daysAgo(back)), 0);
  for (const row of rows) if (row.day) sums.set(keyOf(row.day), (sums.get(keyOf(row.day)) ?? 0) + row.requests);
  return [...sums].map(([key, value]) => {
    const label = days > 31 ? monthLabel(key) : dayLabel(key);
    return { key, label, value, title: t("usage.barTitle", { day: label, count: value }) };
  });
}

function monthLabel(month: string): string {
  return dayLabel(`${month}-01`).replace(/^\D*1\D+(?=\p{L})|\s1$/u, "").trim();
}
