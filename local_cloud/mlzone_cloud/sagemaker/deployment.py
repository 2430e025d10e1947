"""What serves an endpoint: a server for each variant of a configuration, and who gets a request."""

import contextlib
import http.client
import shutil
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.process import LogTarget
from mlzone_cloud.sagemaker import model_server, records
from mlzone_cloud.sagemaker.capture import Sampler
from mlzone_cloud.sagemaker.endpoint_configs import shadows_of
from mlzone_cloud.sagemaker.model_server import ModelError, ServedModel
from mlzone_cloud.sagemaker.server_process import InferenceServer, Reply

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Place = tuple[str, str, str]
"""Account, Region and name of an endpoint."""
Plan = dict[str, Any]
"""All that a deployment needs, as it is kept with the endpoint's record."""

ANSWER_SECONDS = 60.0
"""How long a model may take to answer: SageMaker's own limit."""
_DRAIN_SECONDS = 60.0
_END_SECONDS = 0.5
"""How long the end of a process that gives no answer may take to be noticed."""
_ALL = 100
_FOLDER = ("sagemaker", "endpoints")
_routers: "weakref.WeakKeyDictionary[Cloud, dict[Place, Router]]" = weakref.WeakKeyDictionary()
_routers_lock = threading.Lock()


def plan_of(cloud: "Cloud", place: Place, configuration: dict[str, Any]) -> Plan:
    """Find out what a configuration needs, so that nothing can change it later.

    Raises:
        ModelError: a model, its image or its package does not exist.
    """
    return {
        "config": configuration["EndpointConfigName"],
        "variants": [_told(cloud, place, item) for item in configuration["ProductionVariants"]],
        "shadows": [_told(cloud, place, item) for item in shadows_of(configuration)],
        "capture": configuration.get("DataCaptureConfig"),
    }


def _told(cloud: "Cloud", place: Place, variant: dict[str, Any]) -> dict[str, Any]:
    """Find out what a variant needs."""
    account, region, _ = place
    model = records.store(cloud, "Model", account, region).get(variant["ModelName"])
    if model is None:
        arn = records.arn_of("Model", account, region, variant["ModelName"])
        raise ModelError(f'Could not find model "{arn}".')
    limit = variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
    return {
        "name": variant["VariantName"],
        "weight": float(variant.get("InitialVariantWeight", 1.0)),
        "instances": int(variant.get("InitialInstanceCount", 1)),
        "limit": int(limit or model_server.DEFAULT_LIMIT.total_seconds()),
        "serverless": variant.get("ServerlessConfig"),
        "model": asdict(model_server.resolve(cloud, model, account, region)),
    }


def all_told(plan: Plan) -> list[dict[str, Any]]:
    """Return the variants of a plan, those in the shadow last."""
    # Plans that were kept before there were shadows have none.
    return [*plan["variants"], *plan.get("shadows", ())]


class Variant:
    """One variant's server; it is started again if it has ended."""

    def __init__(self, cloud: "Cloud", place: Place, told: dict[str, Any]) -> None:
        self.told = told
        self.name = str(told["name"])
        self.model = ServedModel(**told["model"])
        self.sampler = Sampler()
        self.credit = 0.0
        """How much of its share of the requests the variant is still owed."""
        self._cloud, self._place = cloud, place
        self._base = cloud.state_dir.joinpath(*_FOLDER, uuid.uuid4().hex[:12])
        self._lock = threading.Lock()
        self._server: InferenceServer | None = None

    def start(self) -> None:
        """Start the server; returns when it answers.

        Raises:
            ModelError: it does not.
        """
        account, region, endpoint = self._place
        with self._lock:
            if self._server and self._server.alive:
                return
            log = LogTarget(
                account,
                region,
                f"/aws/sagemaker/Endpoints/{endpoint}",
                f"{self.name}/i-{self._base.name}",
            )
            self._server = model_server.start(
                self._cloud,
                self.model,
                self._base,
                log=log,
                limit=timedelta(seconds=self.told["limit"]),
                what=f"primary container for production variant {self.name}",
            )

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Ask the model; a server that has ended is started again first.

        Raises:
            ModelError: it does not start.
            OSError: it does not answer.
            http.client.HTTPException: it does not speak HTTP.
        """
        try:
            return self._ask(body, headers)
        except (OSError, http.client.HTTPException):
            if self._server and not self._server.ends_within(_END_SECONDS):
                raise
            return self._ask(body, headers)

    def stop(self) -> None:
        """End the server and remove its folder."""
        with self._lock:
            if self._server:
                self._server.stop()
        shutil.rmtree(self._base, ignore_errors=True)

    def _ask(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        server = self._server
        if server is None or not server.alive:
            self.start()
            server = self._server
        assert server is not None, "it was started"  # noqa: S101
        return server.request("POST", "/invocations", body, headers, ANSWER_SECONDS)


class Deployment:
    """The servers of one configuration of an endpoint."""

    def __init__(self, cloud: "Cloud", place: Place, plan: Plan) -> None:
        self.plan = plan
        self.variants = [Variant(cloud, place, told) for told in plan["variants"]]
        self.shadows = [Variant(cloud, place, told) for told in plan.get("shadows", ())]
        self._copied = Sampler()
        self._choosing = threading.Lock()
        self._idle = threading.Condition()
        self._in_flight = 0

    def start(self) -> None:
        """Start all servers; if one does not start, none is left.

        Raises:
            ModelError: one does not start.
        """
        try:
            for variant in (*self.variants, *self.shadows):
                variant.start()
        except ModelError:
            self.stop()
            raise

    def choose(self, name: str = "") -> Variant | None:
        """Return the variant that is named, or whose turn it is by weight."""
        if name:
            return next((item for item in self.variants if item.name == name), None)
        with self._choosing:
            weights = [float(item.told["weight"]) for item in self.variants]
            for variant, weight in zip(self.variants, weights, strict=True):
                variant.credit += weight
            chosen = max(self.variants, key=lambda item: item.credit)
            chosen.credit -= sum(weights)
            return chosen

    def copy_for(self, variant: Variant) -> Variant | None:
        """Return the shadow that gets a copy of a variant's request, if one does.

        The weight of the shadow over that of the variant is the share of requests that are copied.
        """
        if not self.shadows:
            return None
        shadow = self.shadows[0]
        weight = float(variant.told["weight"])
        share = _ALL * float(shadow.told["weight"]) / weight if weight else 0.0
        with self._choosing:
            return shadow if self._copied.takes(min(share, float(_ALL))) else None

    @contextlib.contextmanager
    def lease(self) -> Iterator["Deployment"]:
        """Hold the servers for a request."""
        with self._idle:
            self._in_flight += 1
        try:
            yield self
        finally:
            with self._idle:
                self._in_flight -= 1
                self._idle.notify_all()

    def drain(self) -> None:
        """Wait until no request is under way."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        with self._idle:
            while self._in_flight and (left := deadline - time.monotonic()) > 0:
                self._idle.wait(left)

    def stop(self) -> None:
        """End the servers."""
        for variant in (*self.variants, *self.shadows):
            variant.stop()


class Router:
    """Sends an endpoint's requests to its deployment, or to two of them while it changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._active: Deployment | None = None
        self._incoming: Deployment | None = None
        self._share = 0
        self._credit = 0

    @property
    def active(self) -> Deployment | None:
        """What serves, if servers run."""
        return self._active

    def ensure(self, make: Callable[[], Deployment]) -> None:
        """Start the servers of an endpoint that was in service when the cloud stopped.

        Raises:
            ModelError: they do not start.
        """
        with self._starting:
            if self._active is None:
                deployment = make()
                deployment.start()
                self.switch(deployment)

    @contextlib.contextmanager
    def lease(self) -> Iterator[Deployment]:
        """Hold the servers that get the next request."""
        with self._lock:
            chosen = self._next()
            held = contextlib.ExitStack()
            held.enter_context(chosen.lease())
        with held:
            yield chosen

    def shift(self, incoming: Deployment, share: int) -> None:
        """Give a deployment some of the requests, in percent."""
        with self._lock:
            self._incoming, self._share = incoming, share

    def switch(self, deployment: Deployment | None) -> Deployment | None:
        """Give a deployment all requests; return the one that had them."""
        with self._lock:
            before, self._active = self._active, deployment
            self._incoming, self._share = None, 0
            return before

    def _next(self) -> Deployment:
        if self._incoming is not None:
            self._credit += self._share
            if self._credit >= _ALL:
                self._credit -= _ALL
                return self._incoming
        assert self._active is not None, "the caller ensured it"  # noqa: S101
        return self._active


def router_of(cloud: "Cloud", place: Place) -> Router:
    """Return the router of an endpoint."""
    with _routers_lock:
        return _routers.setdefault(cloud, {}).setdefault(place, Router())


def forget(cloud: "Cloud", place: Place) -> Deployment | None:
    """Remove an endpoint's router; return what served."""
    with _routers_lock:
        router = _routers.get(cloud, {}).pop(place, None)
    return router.switch(None) if router else None


def remove_folders(cloud: "Cloud") -> None:
    """Remove what servers of an earlier process have left."""
    shutil.rmtree(cloud.state_dir.joinpath(*_FOLDER), ignore_errors=True)
