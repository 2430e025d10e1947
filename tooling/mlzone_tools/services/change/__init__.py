"""The steps of the pipeline that deploys a unit; each works with the credentials of its build."""
