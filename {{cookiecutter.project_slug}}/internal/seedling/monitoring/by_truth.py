"""The performance of a version in each window, and of the newest windows together.

A window of a week may have too little truth for a verdict, and four of them enough. The newest ones
are then measured together, one more at a time, until a verdict is possible.
"""

import pandas as pd

from seedling.config import Dataset, Monitoring, Project
from seedling.monitoring import performance as performing
from seedling.monitoring import spending
from seedling.monitoring.findings import TOO_FEW, Window
from seedling.monitoring.logged import Page
from seedling.monitoring.performance import Performance
from seedling.monitoring.profiles import Profile
from seedling.monitoring.truth import Joined, truth_of
from seedling.wording import counted, listed


class ByTruth:
    """Measures the answers of a version by all truth that is known.

    Raises:
        ProjectError: a file of truth is damaged.
    """

    def __init__(
        self, project: Project, dataset: Dataset, reference: Profile, settings: Monitoring
    ) -> None:
        self._dataset, self._reference, self._settings = dataset, reference, settings
        self._truth = truth_of(project, dataset)
        self._without_truth = self._repeated = 0
        self._known: pd.DataFrame | None = None  # rows with truth of the last window that has any
        self._pages: list[tuple[Window, Page]] = []  # answers with truth, window by window

    def kept(self, page: Page) -> Page:
        """Return what is needed of a page: without truth, the answers only."""
        return page if self._truth.rows else page._replace(sent=page.sent.iloc[:, :0])

    def measure(self, window: Window, page: Page) -> None:
        """Add to a window its performance by truth, and what is estimated without.

        Args:
            window: later than all others so far.
            page: all of its rows.
        """
        joined = self._truth.join(page)
        self._without_truth += joined.without_truth
        self._repeated += joined.repeated
        if len(joined.rows):
            self._known = joined.rows
            self._pages.append((window, _chosen(page, joined)))
        window.performance = self._measured(joined.rows, self._alpha(window, 1))
        if "prediction" in page.answers:
            window.estimate = performing.estimated(
                self._dataset,
                page.answers.dropna(how="all"),
                self._reference,
                self._settings.performance,
                self._known,
                _moved(window),
            )

    def together(self) -> Window | None:
        """Return the newest windows as one, as many as it takes until truth allows a verdict.

        None: the last window with truth has a verdict, or is the only one.
        """
        if not self._pages or not _is_thin(self._pages[-1][0].performance):
            return None
        found, last = None, self._pages[-1][0]
        for count in range(2, len(self._pages) + 1):
            newest = self._pages[-count:]
            page = Page(
                *(
                    pd.concat(tables, ignore_index=True)
                    for tables in zip(*(page for _, page in newest), strict=True)
                )
            )
            rows = self._truth.join(page).rows
            found = Window(
                newest[0][0].start,
                last.end,
                len(page.records),
                int(page.records["simulated"].sum()),
                last.alpha,
                count,
                performance=self._measured(rows, self._alpha(last, count)),
            )
            if not _is_thin(found.performance):
                break
        return found

    def matched(self) -> list[str]:
        """Say how answers and truth were matched, where there is any truth."""
        if not self._truth.rows:
            return []
        unmatched = self._truth.unmatched
        parts = [
            f"{counted(self._without_truth, 'answer')} without truth yet"
            * bool(self._without_truth),
            f"{counted(unmatched, 'row')} of truth without an answer here, such as "
            f"{self._truth.one_unmatched()}"
            if unmatched
            else "",
            f"{counted(self._repeated, 'answer')} left out, since the same was asked for again"
            * bool(self._repeated),
        ]
        found = listed([part for part in parts if part])
        return [f"{counted(self._truth.rows, 'row')} of truth: {found}."] if found else []

    def _alpha(self, window: Window, count: int) -> float:
        """Return the error of one look at a window together with those before it, `count` in all.

        The error of the window's time is spent over these looks as over those of a year.
        """
        share = window.alpha / self._settings.drift.alpha
        return spending.alpha_by_look(share * self._settings.performance.alpha, count)

    def _measured(self, rows: pd.DataFrame, alpha: float) -> Performance:
        settings = self._settings
        return performing.measured(
            self._dataset, rows, self._reference, settings.performance, settings.segments, alpha
        )


def _moved(window: Window) -> list[str] | None:
    """Return the columns of a window that have moved; None where its drift was not looked at."""
    if not window.drifts:
        return None
    sent = [each for each in window.drifts if each.part == "feature"]
    return [each.name for each in sent if each.status in ("moderate", "severe")]


def _is_thin(performance: Performance | None) -> bool:
    return performance is None or performance.verdict == TOO_FEW


def _chosen(page: Page, joined: Joined) -> Page:
    """Return the rows of a page that have truth."""
    return Page(*(table.iloc[joined.places].reset_index(drop=True) for table in page))
