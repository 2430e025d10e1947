"""Key figures of the platform, reckoned from the life-cycle events that it keeps."""

from mlzone_tools.services.kpi.event import Event, events
from mlzone_tools.services.kpi.figures import Delivery, Figures, Period, Spread, Waivers, figures

__all__ = ["Delivery", "Event", "Figures", "Period", "Spread", "Waivers", "events", "figures"]
