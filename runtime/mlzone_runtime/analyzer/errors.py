"""What stops an analysis."""


class AnalysisError(Exception):
    """Stops the analysis: a setting or a file is not what the contract says.

    The message tells what was found, what was expected and where; it ends up as the failure reason
    of the processing job.
    """
