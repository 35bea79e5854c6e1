"""Tables of methods that pages ask for."""

from collections.abc import Sequence

from kx_widget.engine.errors import KxError
from kx_widget.widget.answer_sources import Query
from kx_widget.widget.current_answer import CurrentAnswer
from kx_widget.widget.latest_answer import LatestAnswer
from kx_widget.widget.ranker import Ranker, check_request
from kx_widget.widget.ranking import Ranking
from kx_widget.widget.serialize import error_message
from kx_widget.widget.worker import CancelToken


class RankingRequests:
    """The methods that are to be compared.

    Args:
        latest: the answer whose targets they are asked about.
        ranker: compares them.
    """

    def __init__(self, latest: LatestAnswer, ranker: Ranker) -> None:
        self._latest, self._ranker = latest, ranker
        self._wanted_ranking: Ranking | None = None

    def forget(self) -> None:
        """Note that another question is asked."""
        self._wanted_ranking = None

    def rank(self, gen: int, column: int, images: Sequence[int], methods: Sequence[str], cover: str) -> None:
        """Compare methods for the target of a column of the question of that number; none of them to stop."""
        numbers, explainer = range(len(self._latest.images)), self._latest.answers.explainer
        with self._latest.changed:
            answer = self._latest.current
            # What is running goes on, and is followed by this.
            is_current = gen == answer.gen and answer.status in ("running", "done")
            if not is_current or column not in range(len(answer.columns)) or explainer is None:
                return
            target = answer.columns[column]["target"]
            ranking = next((each for each in answer.rankings if each.target == target), None)
            if ranking is None:
                return
            self._wanted_ranking = None
            if methods:
                images = [image for image in dict.fromkeys(images) if image in numbers]
                try:
                    check_request(images, methods, cover, list(explainer.methods))
                except KxError as error:
                    self._latest.outbox.notify(error_message(0, error))
                    return
                ranking.images, ranking.methods, ranking.cover = images, list(dict.fromkeys(methods)), cover
                self._wanted_ranking = ranking
            if answer.status == "done":
                self._latest.go_on()

    def send(self, answer: CurrentAnswer, query: Query, stale: CancelToken) -> None:
        """Tell which methods can be compared, and compare those that are asked for."""
        if answer.status != "done" or not self._latest.outbox.is_watched or query.version() != answer.version:
            return
        try:
            if self._ranker.prepare(query, answer.traits, answer.focus, stale.wait):
                self._latest.tell_rankings(answer, stale)
            if (ranking := self._wanted_ranking) is None or stale():
                return
            # Where all of it is measured, no map follows.
            self._latest.tell_rankings(answer, stale)
            for _ in self._ranker.measure(ranking, stale):
                self._latest.tell_rankings(answer, stale)
            if self._latest.images.at_once:
                self._latest.keep_whole(answer, stale)
        except Exception as error:
            self._latest.tell_problem(error, is_asked=self._wanted_ranking is not None)
        with self._latest.changed:
            if not stale():
                self._wanted_ranking = None
