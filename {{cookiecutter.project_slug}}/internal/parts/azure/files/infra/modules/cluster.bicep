// The cluster that jobs run on, and what its identity may do: work in the workspace, read and write
// its data, pull its images, read the prediction log.
param workspaceName string
param storageName string
param containerRegistryName string
param clusterName string
param clusterSize string
param minNodes int
param maxNodes int
param idleSeconds int
param cosmosName string
param cosmosDatabase string
param cosmosContainer string
param location string

var acrPull = '7f951dda-4ed3-4680-a7ca-43fe172d538d'
var azureMLDataScientist = 'f6c7c914-8db3-469d-8ca1-694a8f32e121'
var cosmosDataReader = '00000000-0000-0000-0000-000000000001'
var storageBlobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource workspace 'Microsoft.MachineLearningServices/workspaces@2025-06-01' existing = {
  name: workspaceName
}

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource containerRegistry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: containerRegistryName
}

resource cluster 'Microsoft.MachineLearningServices/workspaces/computes@2025-06-01' = {
  parent: workspace
  name: clusterName
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    computeType: 'AmlCompute'
    computeLocation: location
    disableLocalAuth: true
    properties: {
      osType: 'Linux'
      vmSize: clusterSize
      vmPriority: 'Dedicated'
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: minNodes
        maxNodeCount: maxNodes
        nodeIdleTimeBeforeScaleDown: 'PT${idleSeconds}S'
      }
    }
  }
}

resource jobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, cluster.id, azureMLDataScientist)
  scope: workspace
  properties: {
    principalId: cluster.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', azureMLDataScientist)
  }
}

resource data 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, cluster.id, storageBlobDataContributor)
  scope: storage
  properties: {
    principalId: cluster.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataContributor)
  }
}

resource images 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(containerRegistry.id, cluster.id, acrPull)
  scope: containerRegistry
  properties: {
    principalId: cluster.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', acrPull)
  }
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' existing = if (!empty(cosmosName)) {
  name: empty(cosmosName) ? 'none' : cosmosName
}

resource predictions 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = if (!empty(cosmosName)) {
  parent: cosmos
  name: guid(cosmos.id, cluster.id, cosmosDataReader)
  properties: {
    principalId: cluster.identity.principalId
    roleDefinitionId: '${cosmos.id}/sqlRoleDefinitions/${cosmosDataReader}'
    scope: '${cosmos.id}/dbs/${cosmosDatabase}/colls/${cosmosContainer}'
  }
}

output clusterName string = cluster.name
