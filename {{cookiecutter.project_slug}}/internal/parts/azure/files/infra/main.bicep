// What this project needs on Azure, by environment. `make infra-what-if` shows what would change,
// `make infra-deploy` makes it. Names follow from `suffix`, or are those that model.yaml has already:
// docs/infrastructure.md.
targetScope = 'resourceGroup'

@description('ENVIRONMENT: the name of the file of parameters.')
@maxLength(7)
param environmentName string

@description('The slug of model.yaml.')
param project string

@description('How names end; aml_suffix of model.yaml, where that has one. Letters and digits, since names of storage have no others. All of Azure shares some of these names.')
@minLength(3)
@maxLength(12)
param suffix string

@description('Of all resources; that of the resource group.')
param location string = resourceGroup().location

@description('The object ID in Entra ID of the group of people who train and deploy; empty for none.')
param team string = ''

@description('The Azure ML workspace.')
param workspaceName string = 'mlw-${suffix}'

@description('Whether this environment trains: by the cluster below.')
param withCluster bool = true

@description('The cluster, as `compute` of model.yaml describes it.')
param clusterName string = 'cp-${suffix}'
param clusterSize string = 'Standard_DS3_v2'
param minNodes int = 0
param maxNodes int = 4
param idleSeconds int = 600

@description('Whether models and datasets are published to a registry that workspaces share.')
param withRegistry bool = false
param registryName string = 'mlr-${suffix}'

@description('Whether the service runs as a web app.')
param withWebApp bool = false
param siteName string = 'app-${suffix}-${environmentName}'
param planName string = 'plan-${suffix}-${environmentName}'
param planSize string = 'P0v3'

@description('Secrets of the service, apart from those that Azure ML keeps for the workspace.')
param serviceVaultName string = 'kv-${suffix}-${environmentName}'
param apiKeySecret string = 'api-key'

@description('The images that production and the slot run: infra-deploy asks Azure for them, and leaves them.')
param image string = 'mcr.microsoft.com/appsvc/staticsite:latest'
param stagedImage string = image

@description('Whether predictions are kept in Cosmos DB.')
param withPredictionLog bool = false
param cosmosName string = 'cosmos-${suffix}-${environmentName}'
param cosmosDatabase string = '${project}-state'
param cosmosContainer string = project

@description('Who administers the feature store in Azure SQL: {name, objectId} of a group in Entra ID. Without one, none is made.')
param sqlAdministrators object = {}
param sqlServerName string = 'sql-${suffix}'
param sqlDatabase string = 'sql-db-features'

module workspace 'modules/workspace.bicep' = {
  name: '${environmentName}-workspace'
  params: {
    workspaceName: workspaceName
    identityName: 'id-${suffix}-workspace'
    storageName: 'st${suffix}'
    vaultName: 'kv-${suffix}'
    containerRegistryName: 'acrsvc${suffix}'
    logName: 'log-${suffix}'
    insightsName: 'appi-${suffix}'
    location: location
    project: project
  }
}

module cluster 'modules/cluster.bicep' = if (withCluster) {
  name: '${environmentName}-cluster'
  params: {
    workspaceName: workspace.outputs.workspaceName
    storageName: workspace.outputs.storageName
    containerRegistryName: workspace.outputs.containerRegistryName
    clusterName: clusterName
    clusterSize: clusterSize
    minNodes: minNodes
    maxNodes: maxNodes
    idleSeconds: idleSeconds
    cosmosName: withPredictionLog ? predictionLog!.outputs.accountName : ''
    cosmosDatabase: cosmosDatabase
    cosmosContainer: cosmosContainer
    location: location
  }
}

module registry 'modules/registry.bicep' = if (withRegistry) {
  name: '${environmentName}-registry'
  params: {
    registryName: registryName
    location: location
    project: project
  }
}

module predictionLog 'modules/prediction-log.bicep' = if (withPredictionLog) {
  name: '${environmentName}-prediction-log'
  params: {
    accountName: cosmosName
    database: cosmosDatabase
    container: cosmosContainer
    location: location
    project: project
  }
}

module featureStore 'modules/feature-store.bicep' = if (!empty(sqlAdministrators)) {
  name: '${environmentName}-feature-store'
  params: {
    serverName: sqlServerName
    database: sqlDatabase
    administrators: sqlAdministrators
    logName: workspace.outputs.logName
    location: location
    project: project
  }
}

module webApp 'modules/web-app.bicep' = if (withWebApp) {
  name: '${environmentName}-web-app'
  params: {
    siteName: siteName
    planName: planName
    planSize: planSize
    vaultName: serviceVaultName
    image: image
    stagedImage: stagedImage
    containerRegistryName: workspace.outputs.containerRegistryName
    registryName: withRegistry ? registry!.outputs.registryName : ''
    cosmosName: withPredictionLog ? predictionLog!.outputs.accountName : ''
    cosmosDatabase: cosmosDatabase
    cosmosContainer: cosmosContainer
    location: location
    project: project
  }
}

module teamAccess 'modules/access.bicep' = if (!empty(team)) {
  name: '${environmentName}-access-team'
  params: {
    principalId: team
    principalType: 'Group'
    workspaceName: workspace.outputs.workspaceName
    storageName: workspace.outputs.storageName
    containerRegistryName: workspace.outputs.containerRegistryName
    registryName: withRegistry ? registry!.outputs.registryName : ''
    siteName: withWebApp ? webApp!.outputs.siteName : ''
    planName: withWebApp ? webApp!.outputs.planName : ''
    serviceVaultName: withWebApp ? webApp!.outputs.vaultName : ''
  }
}

// Lines of model.yaml, by their keys: what infra-deploy prints. Empty is what was not made.
output subscriptionId string = subscription().subscriptionId
output resourceGroupName string = resourceGroup().name
output workspaceName string = workspace.outputs.workspaceName
output clusterName string = withCluster ? cluster!.outputs.clusterName : ''
output registryName string = withRegistry ? registry!.outputs.registryName : ''
output registryLocation string = withRegistry ? location : ''
output siteName string = withWebApp ? webApp!.outputs.siteName : ''
output planName string = withWebApp ? webApp!.outputs.planName : ''
output containerRegistry string = workspace.outputs.loginServer
output apiKeySecret string = withWebApp ? '${webApp!.outputs.vaultUri}secrets/${apiKeySecret}' : ''
output cosmosEndpoint string = withPredictionLog ? predictionLog!.outputs.endpoint : ''
output cosmosDatabase string = withPredictionLog ? cosmosDatabase : ''
output cosmosContainer string = withPredictionLog ? cosmosContainer : ''
output sqlServer string = empty(sqlAdministrators) ? '' : (featureStore!.outputs.server)
output sqlDatabase string = empty(sqlAdministrators) ? '' : sqlDatabase
output insightsName string = workspace.outputs.insightsName
