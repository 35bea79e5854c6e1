"""Clusters of vectors, coarse and fine ones."""

import numpy as np

from kx_widget.engine.errors import MissingPackageError
from kx_widget.engine.types import Floats, Ints
from kx_widget.install import how_to_install

try:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits
except ImportError as error:
    raise MissingPackageError(f"Looking for shortcuts needs scikit-learn: {how_to_install('shortcuts')}.") from error

# Nobody knows how many kinds there are: few are found by a coarse cut, what is rare by a fine one.
CUTS = (2, 4)
COMPONENTS = 8
# So many vectors are looked at to find the clusters, into which all others are then sorted.
FITTED = 2000
# Of the spread of the channel that differs most: what differs less is not blown up to the size of the others.
LEAST_SPREAD = 1e-3


def clusterings_of(vectors: Floats, seed: int = 0) -> list[Ints]:
    """The cluster (n,) of each vector (n, K), for each of `CUTS`.

    Channels count alike, however much they contribute, since what few of the vectors have is small on average. The
    principal components of these are cut by k-means. Whether a cluster means anything is not told by it.

    Args:
        vectors: n of K numbers, of one length; n at least as large as the largest cut.
        seed: of what is drawn.
    """
    count = min(len(vectors), FITTED)
    drawn = np.sort(np.random.default_rng(seed).choice(len(vectors), count, replace=False))
    fitted = vectors[drawn].astype(np.float32)
    mean, spread = fitted.mean(0), fitted.std(0)
    spread = np.maximum(spread, max(LEAST_SPREAD * float(spread.max()), np.finfo(np.float32).tiny))
    # Threads wait for each other longer than these few numbers take.
    with threadpool_limits(1):
        pca = PCA(min(COMPONENTS, *fitted.shape), random_state=seed, svd_solver="randomized")
        places = pca.fit_transform((fitted - mean) / spread)
        cuts = [KMeans(k, n_init=4, random_state=seed).fit(places) for k in CUTS]
        pieces = (vectors[at : at + FITTED].astype(np.float32) for at in range(0, len(vectors), FITTED))
        every = [pca.transform((piece - mean) / spread) for piece in pieces]
        return [np.concatenate([cut.predict(piece) for piece in every]).astype(np.int64) for cut in cuts]
