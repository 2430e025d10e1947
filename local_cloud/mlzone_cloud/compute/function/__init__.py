"""AWS Lambda: functions are records of moto; their code runs in subprocesses that stay warm."""
