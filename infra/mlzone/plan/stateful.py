"""Which resources hold something that is lost with them."""

HOLDS: dict[str, str] = {
    "AWS::CodeCommit::Repository": "the project's whole history",
    "AWS::DynamoDB::Table": "all its items",
    "AWS::ECR::Repository": "all its images",
    "AWS::EFS::FileSystem": "all its files",
    "AWS::Glue::Database": "its tables' definitions",
    "AWS::KMS::Key": "everything that was encrypted with it, for ever",
    "AWS::Logs::LogGroup": "its log events",
    "AWS::S3::Bucket": "all its objects",
    "AWS::SageMaker::Domain": "the home folders and applications of everybody in it",
    "AWS::SageMaker::Endpoint": "the service itself: callers get errors from then on",
    "AWS::SageMaker::FeatureGroup": "its online store",
    "AWS::SageMaker::MlflowApp": "its experiments and runs",
    "AWS::SageMaker::ModelPackageGroup": "its versions, with their approvals",
    "AWS::SageMaker::Space": "its volume, with what was not committed",
    "AWS::SageMaker::UserProfile": "the person's private spaces",
}
"""By CloudFormation type, what goes when the resource goes."""
