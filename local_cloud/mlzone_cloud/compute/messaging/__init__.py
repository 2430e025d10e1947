"""SNS and SQS are moto's; how topics reach their subscribers and queues their functions is ours."""
