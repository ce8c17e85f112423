"""One HTML page with the whole report in it; it opens offline and loads nothing."""

import base64
from html import escape
from string import Template

from router.loadtest import report as r
from router.loadtest.plots import latency_plot, main_plot
from router.loadtest.tables import TextTable, run_tables, sweep_table

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>$title</title><style>
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-size: .9em }
th, td { border-bottom: 1px solid #ccc; padding: .2rem .7rem; text-align: right }
th:first-child, td:first-child { text-align: left }
img { max-width: 100% } .warning { background: #fff3cd; padding: .5rem 1rem }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .2rem }
</style></head><body>
<h1>$title</h1><p>$subtitle</p>$warnings$pictures$tables
<h2>Settings</h2>$settings</body></html>
""")


def page(report: r.RunReport | r.SweepReport, main: bytes | None = None) -> str:
    """The page; ``main`` is the main plot if it is drawn already."""
    pictures = [main if main is not None else main_plot(report)]
    if report.kind == "run":
        tables, warnings = run_tables(report), report.generator.warnings
        pictures.append(latency_plot(report))
        subtitle = f"{report.created} · {report.duration:.0f} s"
        warnings = [f"The generator was itself the bottleneck: {each}." for each in warnings]
        if report.cut_short is not None:
            warnings.append(f"The run was cut short: {report.cut_short}.")
    else:
        tables, warnings = [sweep_table(report)], []
        found = "no rate met the objectives" if report.knee is None else f"knee {report.knee:.3g}/s"
        subtitle = f"{report.created} · {found}; the search ended because {report.ended_because}"
    settings = report.settings.model_dump(exclude_none=True)
    return _PAGE.substitute(
        title=f"Load test of {escape(report.settings.target)} at {escape(report.settings.url)}",
        subtitle=escape(subtitle),
        warnings="".join(f'<p class="warning">{escape(each)}</p>' for each in warnings),
        pictures="".join(_image(png) for png in pictures),
        tables="".join(f"<h2>{escape(table.title)}</h2>{_table(table)}" for table in tables),
        settings=_table(TextTable("", ("", ""), [(k, str(v)) for k, v in settings.items()])),
    )


def _image(png: bytes) -> str:
    return f'<p><img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}"></p>'


def _table(table: TextTable) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
