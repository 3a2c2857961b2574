"""The figures from outside: how long starts take, what AWS bills and at what price, and how long the work takes.

Each has its source. Where only one person's report was found, it is marked as anecdotal; what nobody has published is
marked as assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.tasks import SIZES

Quantiles = tuple[tuple[float, float], ...]
"""Points (share of starts, seconds), between which times are drawn in a straight line."""

PROCESSING_SECONDS = ((0, 180), (0.5, 240), (0.95, 300), (1, 467))
"""From the request to the start of the program of a ProcessingJob, the pull of the image included."""

IMAGE_MB = 677
"""Size of an image of the stages, from docs/images.md."""

FARGATE_SECONDS = ((0, 53), (0.5, 56), (1, 62))
"""From the creation of a task to its start, with an image of FARGATE_IMAGE_MB."""
FARGATE_IMAGE_MB = 413
PULLED_SHARE = 0.76
"""Share of a container's start that is the download of its image."""
SOCI_SAVES = 0.5
"""Share of a task's start that lazy loading saves."""


def pulls(saved: float = 0) -> Quantiles:
    """Time to pull an image of ours: that of the published starts, by size; `saved` is a share of the whole start."""
    scale = (PULLED_SHARE - saved) * IMAGE_MB / FARGATE_IMAGE_MB
    return tuple((share, round(seconds * scale, 1)) for share, seconds in FARGATE_SECONDS)


@dataclass(frozen=True)
class Runner:
    """Something that runs a command in a container.

    A job starts by what is not billed, `before`, and what is, `pull`. A job is billed for at least `least_seconds`.
    """

    title: str
    before: Quantiles
    pull: Quantiles
    least_seconds: float
    by_pipeline: bool

    def price(self, instance: str, seconds: float) -> float:
        """Dollars for the billed seconds of a job."""
        if self.by_pipeline:
            return SAGEMAKER_HOUR[instance] * seconds / 3600
        vcpus, gib = SIZES[instance]
        if self.least_seconds:
            return (vcpus * FARGATE_VCPU_HOUR + gib * FARGATE_GB_HOUR) * seconds / 3600
        return gib * LAMBDA_GB_SECOND * seconds + LAMBDA_REQUEST

    def vcpus(self, instance: str) -> float:
        """Processors of a job that SageMaker would run on this instance."""
        return SAGEMAKER_VCPUS[instance] if self.by_pipeline else SIZES[instance][0]


SAGEMAKER_VCPUS = {"ml.m5.large": 2, "ml.m5.xlarge": 4}
SAGEMAKER_HOUR = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23}
FARGATE_VCPU_HOUR = 0.04048
FARGATE_GB_HOUR = 0.004445
LAMBDA_GB_SECOND = 0.0000166667
LAMBDA_REQUEST = 0.0000002
TRANSITION = 0.025 / 1000

RUNNERS = {
    "pipelines": Runner(
        "SageMaker ProcessingJobs",
        tuple((share, seconds - pulls()[1][1]) for share, seconds in PROCESSING_SECONDS),
        pulls(),
        0,
        by_pipeline=True,
    ),
    "tasks": Runner("Fargate tasks", ((0, 11), (0.5, 14), (1, 44)), pulls(), 60, by_pipeline=False),
    "tasks with SOCI": Runner(
        "Fargate tasks, image loaded lazily", ((0, 11), (0.5, 14), (1, 44)), pulls(SOCI_SAVES), 60, by_pipeline=False
    ),
    "functions": Runner(
        "Lambda functions of the images", ((0, 0),), ((0, 1), (0.5, 5.2), (0.95, 5.7), (1, 25)), 0, by_pipeline=False
    ),
}

PROCESS_SECONDS = 1.9
"""Start and end of one process of a stage: 5.8 s for three of them, measured on two cores."""

WINDOW_SECONDS = {
    "ndr-delta": 1.2,
    "ndr-fg-a": 1.2,
    "ndr-pair-counts": 1.2,
    "ndr-fg-c": 1.2,
    "ndr-inference": 1.2,
    "ndr-join": 1.1,
    "staged join": 0.5,
    "ndr-extractor": 10.0,
}
"""Work on a live window of 60 hosts, beside the start and end of the process.

Measured: 7.1 s for all stages together, here in equal parts, of which only the sum counts. Assumed: what publishes a
join that is staged, and the extractor.
"""

DAY_SECONDS = {"ndr-delta": 6.4, "ndr-fg-a": 6.4, "ndr-pair-counts": 6.4, "ndr-fg-c": 6.5, "ndr-15m": 19.3}
"""Work on a day of 60 hosts in one job: the limit of the benchmark, 180 s for a week, in equal parts.

The fused job does not compute the deltas again.
"""

SOURCES = (
    (
        "Start of a Fargate task",
        "ten tasks with an image of 413 MB in a private subnet: 53 to 62 s from creation to start, median 56, mean 57; "
        "measured, April 2024",
        "https://elasticscale.com/reduce-aws-fargate-pull-times-with-soci/",
    ),
    (
        "Part of a start that is the download",
        "76 %, a research paper that AWS quotes; the rest of 57 s is 14 s, which fits the next line",
        "https://aws.amazon.com/fr/blogs/aws/aws-fargate-enables-faster-container-startup-using-seekable-oci/",
    ),
    (
        "Network interface of a Fargate task, before the pull",
        "11 s and 44 s for two tasks of one test; anecdotal, January 2026; the least and the most, 14 s the median",
        "https://github.com/opensearch-project/opensearch-migrations/pull/2116",
    ),
    (
        "Lazy loading of images (SOCI)",
        "starts `up to 50%` faster, a blog after the announcement of AWS (a talk has 60 and 74 %); a claim, not a "
        "distribution. Half of the start is taken off the pull",
        "https://technology.amis.nl/serverless/lazy-loading-with-aws-fargate/",
    ),
    (
        "Start of a ProcessingJob",
        "a script of 30 s takes 8 min 17 s; anecdotal, January 2024. It is the most that is drawn, 467 s; assumed are "
        "3, 4 and 5 minutes as least, median and 95 %: no distribution has been published",
        "https://github.com/aws/sagemaker-python-sdk/issues/4358",
    ),
    (
        "The same, a small pipeline",
        "more than half an hour, with start times as the supposed cause; anecdotal, November 2023, not drawn from",
        "https://github.com/ml6team/fondant/issues/624",
    ),
    (
        "Cold start of a Lambda function with NumPy",
        "5.2 s (1 GiB) and 5.7 s (512 MiB) by the clock, 4.3 to 4.5 s of it initialisation; one project, "
        "five starts each, a package of 180 MB. Taken as median and 95 %",
        "https://dev.robot.wtf/Dev/E-1_Cold_Start_Benchmarks",
    ),
    (
        "Cold starts of Lambda containers",
        "40 ms to more than 25 s; taken as the most, and 1 s as the least",
        "https://nitric.io/blog/lambda-container-coldstarts",
    ),
    (
        "What SageMaker bills",
        "a training job from `TrainingStartTime`, when it starts on its instances, before the image is downloaded. "
        "Assumed to hold for `ProcessingStartTime` too: the pull is billed and takes as long as on Fargate, the time "
        "until there is an instance is not",
        "https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/sagemaker/aws.sdk.kotlin.services.sagemaker.model/"
        "-describe-training-job-response/training-start-time.html",
    ),
    (
        "What Fargate bills",
        "from the start of the pull to the end of the task, by the second, at least a minute",
        "https://devops.stackexchange.com/questions/4830/aws-fargate-charging-model/4836",
    ),
    (
        "What Lambda bills",
        "functions of container images pay for their initialisation; here the whole cold start is counted",
        "https://worldofsoftware.org/amazon-to-raise-aws-lambda-costs-by-charging-for-cold-starts/amp",
    ),
    (
        "Price of Step Functions",
        "$0.025 for 1,000 transitions of standard workflows, us-east-1; without the free 4,000 a month",
        "https://aws.amazon.com/step-functions/pricing/",
    ),
    (
        "Price of Fargate",
        "$0.04048 a vCPU hour and $0.004445 a GB hour, Linux x86, us-east-1, June 2026",
        "https://www.factualminds.com/blog/amazon-fargate-ecs-task-pricing-2026/",
    ),
    (
        "Price of ml.m5.xlarge",
        "$0.23 an hour; volumes of jobs are left out. The page of AWS is a table that could not be read here",
        "https://github.com/aws-samples/foundation-model-benchmarking-tool/blob/"
        "00ef155d0f9c6b999d796f915159d3d622f8233d/src/fmbench/configs/pricing.yml",
    ),
    (
        "Price of ml.m5.large",
        "$0.115 an hour",
        "https://github.com/JHUAPL-DTC-TA2/wiki/blob/main/docs/sagemaker_instances.md",
    ),
    (
        "Price of Lambda",
        "$0.00001667 a GB second and $0.20 a million requests",
        "https://kpranit.hashnode.dev/how-aws-lambda-pricing-works-a-simple-breakdown/rss.xml",
    ),
)
"""What was taken, and from where; all looked up in November 2026."""
