"""CloudWatch alarms: moto keeps them and their metrics; evaluating and telling is ours."""
